"""What generated flows call: the steps, the migration tools, notifications.

A generated flow imports two things from here::

    from runtime_tasks import steps
    from runtime_tasks.run import WorkflowRun, failed, succeeded, took

Nothing in this package imports the compiler or the server, and only
:mod:`runtime_tasks.run` knows Prefect, so a flow runs wherever this package
and Prefect are installed.
"""
