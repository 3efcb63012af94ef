"""The reliability suite: a running server is killed and searched, and what it promised is checked.

python -m tests.reliability            all of it, a few minutes
python -m tests.reliability --quick    a slice of it, as the tests run it
"""
