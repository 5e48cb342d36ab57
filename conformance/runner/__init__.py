"""Run plans against a target under the model's eye: translate, send, observe, judge, attribute."""
