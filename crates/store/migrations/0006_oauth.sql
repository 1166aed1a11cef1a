-- OAuth 2.0: this server as its own authorization server.

-- Programs that registered themselves. The same metadata is the same client.
CREATE TABLE oauth_clients (
    client_id TEXT PRIMARY KEY,       -- made from the hash of the metadata
    metadata TEXT NOT NULL,           -- JSON, as it was checked
    registered_ts INTEGER NOT NULL    -- the last time
) STRICT;
CREATE INDEX oauth_clients_by_age ON oauth_clients (registered_ts);

-- Authorization codes, hashed. One that was exchanged stays for a while, so that its reuse is noticed.
CREATE TABLE oauth_codes (
    hash BLOB PRIMARY KEY,            -- SHA-256 of the code
    client_id TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,       -- as in the authorization request
    challenge TEXT NOT NULL,          -- PKCE, S256
    user_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    family BLOB,                      -- of the tokens it was exchanged for; NULL: it wasn't yet
    created_ts INTEGER NOT NULL
) STRICT;

-- To which client the tokens of a sign-in belong.
CREATE TABLE oauth_grants (
    family BLOB PRIMARY KEY,          -- as in tokens
    client_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    created_ts INTEGER NOT NULL
) STRICT;
CREATE INDEX oauth_grants_by_client ON oauth_grants (client_id);

-- Sign-ins of devices without a browser, under way.
CREATE TABLE oauth_device_codes (
    hash BLOB PRIMARY KEY,            -- SHA-256 of the device code
    user_code TEXT NOT NULL UNIQUE,   -- what people type; worth nothing without an account
    client_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    state TEXT NOT NULL,              -- pending, allowed, refused
    user_id TEXT NOT NULL,            -- who allowed it; empty: nobody yet
    created_ts INTEGER NOT NULL,
    polled_ts INTEGER NOT NULL        -- when the device asked last
) STRICT;

-- Who is signed in to the pages for consent and account management.
CREATE TABLE oauth_page_sessions (
    hash BLOB PRIMARY KEY,            -- SHA-256 of what the page shows
    user_id TEXT NOT NULL,
    password_mark BLOB NOT NULL,      -- SHA-256 of the password hash: a new password ends the session
    created_ts INTEGER NOT NULL
) STRICT;

-- Who allowed on the account page that their identity is replaced.
CREATE TABLE oauth_identity_resets (
    user_id TEXT PRIMARY KEY,
    allowed_ts INTEGER NOT NULL
) STRICT;
