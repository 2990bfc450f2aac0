"""Assignments: released to students, checked by themselves, graded in isolation.

A master is an ordinary notebook with nbgrader's metadata, described in
``book/assignments/README.md``. What stands in its check cells is here::

    from tl_teach.classroom import expect, question

    @question("1")
    def frozen_stages_stand_still(net):
        '''every stage before the head is frozen'''
        expect(net.frozen_through == "block3", "a boundary just before the head",
               hint="tl.freeze without a stage freezes everything but the head.")
"""

from .questions import CheckFailed, check_all, expect, question

__all__ = ["CheckFailed", "check_all", "expect", "question"]
