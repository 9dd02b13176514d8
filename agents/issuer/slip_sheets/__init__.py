"""Slips as one PDF for a printer's: an extra (`wanderbuch[pdf]`) with fonts that the operator names (ADR 129).

`sheets` asks for it and bounds it, `drawing` is the process that makes it, `sheet.typ` says how a sheet looks.
"""
