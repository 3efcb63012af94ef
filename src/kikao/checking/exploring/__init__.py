"""The exploring half of `kikao check`: conversations are held with every answer and outcome, and watched."""

from kikao.checking.exploring.exploration import Branch, BranchCoverage, Exploration, Options
from kikao.checking.exploring.explorer import explore

__all__ = ["Branch", "BranchCoverage", "Exploration", "Options", "explore"]
