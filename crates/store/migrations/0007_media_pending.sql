-- Addresses of files that are to be uploaded later. The row goes when the file comes or its time is over.
CREATE TABLE media_pending (
    media_id TEXT PRIMARY KEY,        -- the last part of the address
    owner TEXT NOT NULL,              -- who may upload it
    expires_ts INTEGER NOT NULL
) STRICT;
CREATE INDEX media_pending_by_owner ON media_pending (owner, expires_ts);
CREATE INDEX media_pending_by_end ON media_pending (expires_ts);
