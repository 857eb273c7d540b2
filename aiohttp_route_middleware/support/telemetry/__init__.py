"""What is told of requests: ids, times, spans."""
