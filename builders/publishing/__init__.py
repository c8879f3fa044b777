"""Publishing a release on the Hub: what must not be published, what describes it, what is sent, and whether it arrived."""
