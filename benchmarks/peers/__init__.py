"""The conversation of `benchmarks.conversation` in other frameworks, each as its documentation writes one.

They run in an environment of their own, which has nothing of kikao: see `benchmarks.environments`.
"""
