"""ONNX Runtime scoring what nines scores, for `benches/speed.py`: snippets a second, as JSON.

    python benches/peer_onnx.py --snippets FILE --model FOLDER --work FOLDER [--int8] [--batch 32]

The classifier is exported from PyTorch once into the work folder, and quantised there for `--int8`
(dynamic, weights 8 bits for each output channel). Inputs are those of `peer.py`, batched by length.
Neither export nor tokenising is timed.
"""

import argparse
import json
import os
import time
from pathlib import Path

import peer


def exported(model, work):
    import torch

    path = work / f"{Path(model).name}.onnx"
    if not path.exists():
        classifier = peer.classifier(model).eval()
        names = ["input_ids", "attention_mask", "token_type_ids"]
        example = tuple(torch.ones(2, 16, dtype=torch.long) for _ in names)
        shape = {0: torch.export.Dim("batch"), 1: torch.export.Dim("tokens")}
        torch.onnx.export(
            classifier, example, str(path), input_names=names, output_names=["logits"],
            dynamic_shapes=[shape] * 3, dynamo=True, external_data=False,
        )
    return path


def quantised(path):
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    out = path.with_suffix(".int8.onnx")
    if not out.exists():
        # The exporter's own notes on shapes contradict what the quantiser infers.
        model = onnx.load(path)
        del model.graph.value_info[:]
        quantize_dynamic(model, str(out), weight_type=QuantType.QInt8, per_channel=True)
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--snippets", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--int8", action="store_true")
    parser.add_argument("--batch", type=int, default=32)
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    path = exported(args.model, args.work)
    if args.int8:
        path = quantised(path)

    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = os.cpu_count()
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    wanted = [given.name for given in session.get_inputs()]
    encoded = peer.encode(peer.tokenizer_of(args.model), peer.rows(args.snippets))

    def run(some=None):
        for batch in peer.batches(encoded[:some], args.batch):
            session.run(None, {name: batch[name].numpy() for name in wanted})

    run(64)
    started = time.perf_counter()
    run()
    seconds = time.perf_counter() - started
    print(json.dumps({"units": len(encoded), "seconds": seconds, "per_second": len(encoded) / seconds}))


if __name__ == "__main__":
    main()
