-- What stood before revision 0029.

DROP TABLE share_request, catalogue_item;
