"""What can be seen from outside.

exchange.py        one request on its way, and what became of it
observing.py       makes it, and tells the others of it
metrics.py         for Prometheus; gauges.py: what is looked up when it asks
request_log.py     a line of JSON a request
traces.py          OpenTelemetry
"""
