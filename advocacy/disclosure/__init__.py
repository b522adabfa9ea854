"""A campaign's report without figures about few people, and without a way to work them out.

Pure. `withheld_report` is what every page, mail, answer and export of an activation goes through.
What is about fewer than `least` people is *folded*: one row stands for several posts, platforms or
kinds, with their sums and without their people. A figure inside a row that is about few is None.

How nothing can be had by difference:
- what is folded is together about at least `least` people, else the next smallest row joins it;
- what is left of a platform after its posts are taken off, or of several, is nothing or enough,
  also when it can only be had by combining sums;
- kinds, money and evidence of posts are shown for a post or not at all, and so that what is left
  of each column for the others is nothing or enough;
- days by kind are a table: the sums of kinds are known, those of days are told where they can be;
- evidence is judged together with posts and platforms, since each tier says whether there is one.

The way: `rows` that are about few become one → `platforms` are judged with the posts on them →
`evidence` with both → `money` and kinds inside of rows; `report` and `mails` put it together.

What a stranger would get wrong: how many people several rows are about is not known, since one can
be in all of them. It is taken as the least that it can be: the most of one row, or all people less
those of the rows that are shown. Where people are not counted (a kind within a post, a day, a tier)
the number of actions stands in for them. Of refunds only the sum is known: they are shown wherever
what was given is.
"""

from __future__ import annotations

from advocacy.disclosure.activation import ALL, SOME, withheld_report
from advocacy.disclosure.rows import FEW
from advocacy.disclosure.weekly import withheld_figures

__all__ = ["ALL", "FEW", "SOME", "withheld_figures", "withheld_report"]
