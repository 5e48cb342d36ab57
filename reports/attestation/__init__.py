"""The certificate: a signed in-toto statement on a certify run, in a bundle that anyone can verify offline."""
