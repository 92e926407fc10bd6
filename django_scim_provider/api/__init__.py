"""How it travels: the endpoints of RFC 7644 over Django REST framework."""
