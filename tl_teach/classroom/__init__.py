"""x"""
from .questions import CheckFailed, check_all, expect, question

__all__ = ["CheckFailed", "check_all", "expect", "question"]
