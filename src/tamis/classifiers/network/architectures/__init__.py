"""The layers of the networks that tamis trains (torch, extra ``train``)."""
