-- Counts a request's body as it streams and stops it at the limit: HAProxy itself only knows a length that is announced,
-- so without this a chunked (or HTTP/2) body could be endless. The 413 is made by http-after-response in haproxy.cfg.

local limit = tonumber(os.getenv("GATEWAY_MAX_REQUEST_BYTES"))

local BodyLimit = {}
BodyLimit.id = "body-limit"
BodyLimit.flags = filter.FLT_CFG_FL_HTX
BodyLimit.__index = BodyLimit

function BodyLimit:new()
  return setmetatable({ seen = 0 }, BodyLimit)
end

function BodyLimit:start_analyze(txn, channel)
  if not channel:is_resp() then
    filter.register_data_filter(self, channel)
  end
end

function BodyLimit:http_payload(txn, message)
  self.seen = self.seen + message:input()
  if self.seen > limit then
    txn:set_var("txn.too_large", true)
    return filter.ERROR
  end
end

core.register_filter("body-limit", BodyLimit, function(self, args) return self end)
