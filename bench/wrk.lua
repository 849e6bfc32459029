-- What wrk sends, and what it prints at the end: one line of JSON. The key comes by the environment, not by an argument.
wrk.method = "POST"
wrk.body = os.getenv("BENCH_BODY")
wrk.headers["Host"] = "localhost"
wrk.headers["content-type"] = "application/json"
wrk.headers["authorization"] = "Bearer " .. os.getenv("BENCH_KEY")

function done(summary, latency, requests)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format(
    '{"p50": %d, "requests": %d, "microseconds": %d, "failed": %d}\n',
    latency:percentile(50), summary.requests, summary.duration, failed))
end
