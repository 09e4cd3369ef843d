"""Scripts that run in the project's own interpreter, beside the project's own tool.

They import nothing of ours: the project's environment need not have it.
:mod:`runtime_tasks.migrations.project` starts them and speaks with them in
lines of JSON.
"""
