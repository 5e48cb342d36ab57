"""Allure results of a run: one result a requirement, readable by Allure 2 and Allure 3."""

from reports.allure.folder import write_allure

__all__ = ["write_allure"]
