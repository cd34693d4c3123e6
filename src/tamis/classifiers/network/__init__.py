"""Networks trained from labelled images (torch, extra ``train``)."""
