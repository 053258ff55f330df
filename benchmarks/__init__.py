"""How fast the parts are, beside a plain method, in one run. Not shipped."""
