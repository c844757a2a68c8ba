"""StarVid: training-free guidance that keeps a video's subjects and their motions apart."""
