"""The rules of a run, on Prefect. The one module of this package that knows Prefect."""
