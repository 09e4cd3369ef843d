"""Migrations of any tool on SQLite, PostgreSQL, MySQL and MariaDB: find, try, apply, take back.

::

    from runtime_tasks.migrations.session import visit
    from runtime_tasks.migrations.rehearse import rehearse

    with visit(connection, execution="4711") as session:
        session.history()      # the files and the tool's own book, side by side
        rehearse(session)      # really runs them where it does no harm
        execute(session)       # under a lock, with a journal
        undo(session)          # back to before this run

::

    visit ─► detect ─► tools/* ─► runner ─► database/*
               │          └─► project ─► drivers/* (the project's own interpreter)
               └─► rehearse, execute, undo ─► journal, recovery

Nothing here is imported by :mod:`runtime_tasks.steps` before a step runs.
"""
