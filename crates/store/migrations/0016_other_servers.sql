-- The rooms of a server: an event that another server asks for by its id is looked for in those alone.
CREATE INDEX room_servers_by_server ON room_servers (server);
