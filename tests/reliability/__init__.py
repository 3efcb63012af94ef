"""The reliability suite: servers, stores and networks are killed, cut and filled with rubbish; promises are checked.

python -m tests.reliability               all of it, about ten minutes
python -m tests.reliability --quick       a slice of it, one to three minutes
python -m tests.reliability --only kill   the parts with this in their name
"""
