"""A gateway: one front door to the two services of an ERP system, which partners reach with a token.

Start it with `python -m examples.erp_gateway`, which starts the services as well, and read it in this order:

    application.py       the routes, and which links stand before each proxy
    login.py             a name and a password in, a token out
    users.py             the partners, and whether a password is right
    hooks.py             what is changed on the way to a service and back
    upstreams.py         the services, as the gateway knows them
    failures.py          the one place where a service that does not answer becomes an answer
    numbers.py           what became of the requests, for /status
    settings.py          where the services are, and all secrets
    keys.py              what the application holds
    services/            the services: what is behind the gateway
    running.py           all servers in one process
    tour.py              the requests to try, which are printed at the start
    watch.py             shows the feed of transactions, through the gateway
"""
