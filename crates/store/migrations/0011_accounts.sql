-- Guests are few among the accounts, and looked for as such: how many there are, and which of them nobody uses.
CREATE INDEX users_guests ON users (user_id) WHERE kind = 'guest' AND state = 'active';

-- People who closed their account and wanted what they wrote to be erased: who comes later is shown redacted copies.
CREATE TABLE erased_users (
    user_id TEXT PRIMARY KEY,
    erased_pos INTEGER NOT NULL       -- the newest position then: who was in a room by then saw what was written
) STRICT;
