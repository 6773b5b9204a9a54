-- An action for HAProxy (2.6 and later): asks Keyrack whether a request is allowed, and tells the service who the caller is.

local identity = { "x-keyrack-key", "x-keyrack-workspace", "x-keyrack-scopes" }

-- Headers of one connection, and headers that only the proxy may set.
local not_passed_on = {
    ["connection"] = true, ["content-length"] = true, ["expect"] = true, ["keep-alive"] = true,
    ["transfer-encoding"] = true, ["upgrade"] = true, ["x-forwarded-for"] = true, ["x-forwarded-uri"] = true,
    ["x-original-uri"] = true, ["x-keyrack-proxy"] = true,
}

local function first(answer, name)
    local values = (answer.headers or {})[name]
    return values and (values[0] or values[1])
end

local function question(txn)
    local headers = {}
    for name, values in pairs(txn.http:req_get_headers()) do
        if not not_passed_on[name] then
            headers[name] = {}
            for _, value in pairs(values) do
                table.insert(headers[name], value)
            end
        end
    end
    headers["x-keyrack-for-workspace"] = { txn:get_var("txn.keyrack_workspace") }
    headers["x-keyrack-permission"] = { txn:get_var("txn.keyrack_permission") }
    headers["x-forwarded-for"] = { tostring(txn.sf:src()) }
    headers["x-original-uri"] = { tostring(txn.sf:pathq()) }
    return headers
end

local function deny(txn, answer)
    local reply = txn:reply({ status = answer.status, reason = answer.reason })
    for name, values in pairs(answer.headers or {}) do
        if not not_passed_on[name] then
            for _, value in pairs(values) do
                reply:add_header(name, value)
            end
        end
    end
    reply:set_body(answer.body or "")
    txn:done(reply)
end

core.register_action("keyrack", { "http-req" }, function(txn)
    -- HAProxy asks four times before it gives up, so this takes eight seconds at most.
    local answer = core.httpclient():get({
        url = txn:get_var("txn.keyrack_server") .. "/api/v1/forward-auth",
        headers = question(txn),
        timeout = 2000,
    })
    -- Each response of Keyrack has an ID. Without one, HAProxy wrote the response, since Keyrack doesn't answer.
    if not answer or not first(answer, "x-request-id") then
        local headers = { ["access-control-allow-origin"] = { "*" } }
        return deny(txn, { status = 503, reason = "Service Unavailable", headers = headers })
    end
    if answer.status ~= 204 then
        return deny(txn, answer)
    end
    for _, name in ipairs(identity) do
        txn.http:req_set_header(name, first(answer, name) or "")
    end
    for variable, name in pairs({ keyrack_limit = "ratelimit", keyrack_policy = "ratelimit-policy" }) do
        local value = first(answer, name)
        if value then
            txn:set_var("txn." .. variable, value)
        end
    end
end, 0)
