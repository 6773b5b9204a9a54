//! The error codes besides those of denied keys, in groups.

use super::Row;

pub(super) const ACCESS: [Row; 17] = [
    (
        "insufficient_role",
        403,
        "Your role in the workspace isn't sufficient.",
        "Ask an owner or admin of the workspace.",
    ),
    (
        "beyond_key",
        403,
        "A key can't give another key more access than it has.",
        "Grant less, or use a key with more access.",
    ),
    (
        "changed_key",
        401,
        "The key was changed during the request, so nothing was done.",
        "Send the request again.",
    ),
    ("no_keys_here", 403, "The endpoint doesn't accept API keys.", "Sign in, and use the page."),
    ("key_and_cookie", 400, "The request has an API key and a session cookie.", "Send only one of them."),
    (
        "missing_workspace",
        400,
        "The request has a session, but names no workspace.",
        "Set X-Keyrack-Workspace to the slug or ID of the workspace.",
    ),
    (
        "seen_in_public",
        409,
        "The key was exposed, and the change gives it more access.",
        "Rotate the key first, or confirm with acknowledgePublicUse.",
    ),
    (
        "service_key_denied",
        403,
        "The key in X-Keyrack-Service-Key was denied. service_key_code is the reason.",
        "Fix the service key.",
    ),
    (
        "ambiguous_request",
        400,
        "The proxy's headers name different original requests.",
        "Send the headers of one proxy.",
    ),
    (
        "foreign_host",
        421,
        "A session cookie was sent to a host name that isn't this server's.",
        "Use the public URL of the server.",
    ),
    (
        "foreign_origin",
        403,
        "A page of another site sent the request.",
        "Send the request from a page of this server, or use an API key.",
    ),
    (
        "wrong_signature",
        403,
        "The signature of the upload URL is wrong.",
        "Use the whole URL from the response of Create an upload.",
    ),
    (
        "key_ended",
        403,
        "The key or session that created the upload is no longer valid.",
        "Create an upload with a valid key.",
    ),
    ("already_set_up", 409, "The server is already set up.", "Sign in."),
    ("not_set_up", 503, "The server isn't set up yet.", "Open the setup link that the server printed."),
    (
        "wrong_setup_link",
        403,
        "The setup link is no longer valid.",
        "Use the link from the latest start of the server.",
    ),
    (
        "too_many_attempts",
        429,
        "Too many attempts to sign in.",
        "Try again after the seconds in Retry-After.",
    ),
];

pub(super) const REQUESTS: [Row; 17] = [
    ("invalid", 422, "A field or parameter is invalid. details names each.", "Correct the named fields."),
    (
        "not_json",
        400,
        "The body isn't JSON. The status is 415 without Content-Type: application/json.",
        "Send JSON with this content type.",
    ),
    (
        "bad_form",
        400,
        "The form can't be read. The status is 415 for another content type.",
        "Send a form with the image in the field image.",
    ),
    (
        "bad_query",
        400,
        "The query of the URL can't be read.",
        "Encode the parameters as UTF-8 percent-encoding.",
    ),
    ("bad_request", 400, "The request can't be read.", "Correct the request and send it again."),
    ("bad_host", 400, "The request has no Host header, or several.", "Send exactly one Host header."),
    (
        "encoded_body",
        415,
        "The body has a content encoding, such as gzip.",
        "Send the body without an encoding.",
    ),
    (
        "unknown_kind",
        415,
        "The content type isn't supported.",
        "Send JSON, a form, or the bytes of an image.",
    ),
    ("too_large", 413, "The body is too large. The message names the limit.", "Send a smaller body."),
    ("headers_too_large", 431, "The headers or the URL are too long.", "Send shorter headers."),
    (
        "method_not_allowed",
        405,
        "The endpoint doesn't support this method.",
        "Use a method from the Allow header.",
    ),
    (
        "not_found",
        404,
        "The endpoint or the resource doesn't exist in this workspace.",
        "Check the URL and the ID.",
    ),
    ("name_taken", 409, "Another resource has this name.", "Choose another name."),
    (
        "changed_meanwhile",
        412,
        "Another request changed the resource since you read it.",
        "Read it again, and send the change with the new ETag.",
    ),
    (
        "already_done",
        409,
        "A request with this Idempotency-Key was already processed. Its secret key can't be shown again.",
        "Rotate the key to get a new secret key.",
    ),
    ("other_history", 409, "The position of the node belongs to another history.", "Fetch a new snapshot."),
    (
        "too_slow",
        408,
        "The body arrived too slowly. With the status 503, the server was too slow.",
        "Send the request again.",
    ),
];

pub(super) const IMAGES: [Row; 14] = [
    (
        "image_too_large",
        413,
        "The image has too many bytes or pixels. The message names the limit.",
        "Send a smaller image.",
    ),
    (
        "not_an_image",
        415,
        "The bytes aren't a JPEG, PNG, or WebP image.",
        "Send an image in one of these formats.",
    ),
    (
        "unsupported_image",
        422,
        "The image uses a variant of its format that isn't supported.",
        "Save the image as an ordinary JPEG or PNG.",
    ),
    (
        "broken_image",
        422,
        "The image is damaged, cut off, or animated.",
        "Save the image again as a still image.",
    ),
    (
        "image_urls_closed",
        403,
        "The server doesn't fetch images from this URL.",
        "Send the image itself, or have the operator allow the host.",
    ),
    (
        "image_unreachable",
        422,
        "The server can't fetch the image from its URL.",
        "Check the URL, or send the image itself.",
    ),
    ("upload_over", 403, "The upload URL has expired.", "Create an upload again."),
    (
        "already_recorded",
        409,
        "The image of this upload is already in the dataset.",
        "Create an upload for each image.",
    ),
    ("not_uploaded", 409, "The upload has no bytes yet.", "Send the image to the upload URL first."),
    ("upload_replaced", 409, "A newer request sends bytes to the same upload URL.", "Send the image once."),
    (
        "too_few_images",
        409,
        "A label has too few images for a training run. details names the labels.",
        "Add images with these labels.",
    ),
    (
        "model_not_ready",
        409,
        "The training run of the model hasn't finished successfully.",
        "Wait until the status is ready.",
    ),
    (
        "other_task",
        409,
        "The model solves another task than the endpoint.",
        "Send the request to the path in path.",
    ),
    (
        "other_backbone",
        409,
        "The model was trained by a version with another backbone.",
        "Train the model again.",
    ),
];

pub(super) const SERVER: [Row; 6] = [
    (
        "share_used_up",
        429,
        "The key or workspace already uses its share of the server.",
        "Try again after the seconds in Retry-After.",
    ),
    ("too_many_keys", 422, "A form selects more keys than a page of the list shows.", "Select fewer keys."),
    (
        "too_many_open_uploads",
        429,
        "Too many uploads have no record yet.",
        "Record them, or wait until they expire.",
    ),
    ("busy", 503, "The server is busy.", "Try again after the seconds in Retry-After."),
    (
        "disk_full",
        507,
        "The disk of the server is nearly full.",
        "Delete images or models, or have the operator free disk space.",
    ),
    (
        "internal",
        500,
        "Something went wrong on the server's side.",
        "Try again. If it fails again, send the request ID to support.",
    ),
];
