-- What stands behind links, for as long as it isn't fetched again. Nobody can be read from it who asked.
CREATE TABLE url_previews (
    url TEXT PRIMARY KEY,
    answer TEXT,                      -- JSON object; NULL: it could not be had
    expires_ts INTEGER NOT NULL
) STRICT;
CREATE INDEX url_previews_by_end ON url_previews (expires_ts);

-- Pictures of previews by the hash of their content, so that the same picture has one address.
CREATE TABLE url_preview_pictures (
    hash TEXT PRIMARY KEY,
    media_id TEXT NOT NULL
) STRICT;

-- What somebody uploaded within a day.
CREATE INDEX media_by_owner ON media (owner, created_ts, size_bytes);
