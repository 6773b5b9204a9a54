-- An action for HAProxy (2.6 and later): asks Keyrack whether a request may pass, and says who calls.

local said_by_keyrack = { "x-keyrack-key", "x-keyrack-workspace", "x-keyrack-scopes" }

-- Of this connection, or of the proxy alone.
local not_passed_on = {
    ["connection"] = true, ["content-length"] = true, ["expect"] = true, ["keep-alive"] = true,
    ["transfer-encoding"] = true, ["upgrade"] = true, ["x-forwarded-for"] = true, ["x-forwarded-uri"] = true,
    ["x-original-uri"] = true, ["x-keyrack-proxy"] = true,
}

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

local function refuse(txn, answer)
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
    local answer = core.httpclient():get({
        url = txn:get_var("txn.keyrack_server") .. "/api/v1/forward-auth",
        headers = question(txn),
        timeout = 2000,
    })
    if not answer or answer.status == 0 then
        return refuse(txn, { status = 503, reason = "Service Unavailable" })
    end
    if answer.status ~= 204 then
        return refuse(txn, answer)
    end
    for _, name in ipairs(said_by_keyrack) do
        local value = answer.headers[name]
        txn.http:req_set_header(name, value and (value[0] or value[1]) or "")
    end
end, 0)
