"""What is kept of batches: `batch` of the whole, `row` what has become of one row, `slips` the links and PINs.

What is done with them is in `agents/issuer/batches`; the register of what was issued reads them too.
"""
