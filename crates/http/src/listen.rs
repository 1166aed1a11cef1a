//! Sockets: accepts connections, speaks HTTP/1.1 and HTTP/2, with TLS where asked, and stops cleanly.
