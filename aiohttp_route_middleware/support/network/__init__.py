"""Who has sent a request, by what, and to whom: addresses, hosts, proxies, origins."""
