"""A blog: posts and comments in an SQLite file, and a chain of links before each of its handlers.

Start it with `python -m examples.blog`, and read it in this order:

    application.py   the routes: what stands behind each of them
    links.py         authenticate, authorise, fetch_post, fetch_comment
    handlers.py      what the routes do once the links have let a request through
    admin.py         a sub-application, with a router and links of its own
    keys.py          what links hand on, as typed keys
    body.py          JSON bodies in, or a clear error out
    json_errors.py   the one middleware around all routes
    store.py         the database
    users.py         the demo's users and their tokens
    demo.py          the requests to try, which are printed at the start
"""
