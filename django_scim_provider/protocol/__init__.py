"""What RFC 7643 and RFC 7644 say, in pure Python: no Django here."""
