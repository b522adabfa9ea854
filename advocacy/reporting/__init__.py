"""How figures are shown and sent: charts, exports, e-mail."""
