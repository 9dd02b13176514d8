"""How institutions that the authority lists come to issue: invited with a code, checked in, approved."""
