"""Definition text in, readable Prefect flow out.

::

    from compiler import compile_workflow
    flow = compile_workflow(text, "yaml", version=3)
    print(flow.source)

Pure: no database, network, clock or Prefect.
"""
