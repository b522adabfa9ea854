"""Write `advocacy/web/static/vega.js`, the library with which the pages draw charts.

It is Vega, Vega-Lite and Vega-Embed in one file, as vl-convert-python has them, so that pages,
mails and PDFs are drawn by the same version. After raising vl-convert-python run `make vega`.
"""

from __future__ import annotations

from pathlib import Path

import vl_convert

FILE = Path(__file__).resolve().parent.parent / "advocacy" / "web" / "static" / "vega.js"
_HEADER = """\
/* Vega {vega}, Vega-Lite {vega_lite} and Vega-Embed {vega_embed}; licences: vega.LICENSE.txt.
   Written by `make vega`; do not edit. */
"""


def text() -> str:
    """Return what the file should hold."""
    header = _HEADER.format(
        vega=vl_convert.get_vega_version(),
        vega_lite=vl_convert.get_vegalite_versions()[-1],
        vega_embed=vl_convert.get_vega_embed_version(),
    )
    made: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return header + made


if __name__ == "__main__":
    FILE.write_text(text())
