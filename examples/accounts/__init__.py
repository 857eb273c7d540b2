"""Accounts: a login for pages, a token for an API, and what keeps browsers from being used against their owners.

Start it with `python -m examples.accounts`, and read it in this order:

    application.py   the routes, and which links stand before each of them
    links.py         recognise, fetch_user: from the session or the token to the user
    headers.py       what each response bears
    pages.py         what people see: log in, the account, log out
    api.py           what programs ask for: a token, and the profile
    users.py         who has an account, and whether a password is right
    settings.py      what differs between this demonstration and a server for everyone
    keys.py          what the application holds, and what links hand on
    body.py          forms and JSON in, or a clear error out
    templates.py     the HTML of the pages
"""
