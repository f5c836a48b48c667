use super::*;

const MINILM: &str = r#"{"architectures": ["BertModel"], "attention_probs_dropout_prob": 0.1,
    "hidden_act": "gelu", "hidden_dropout_prob": 0.2, "hidden_size": 384,
    "intermediate_size": 1536, "layer_norm_eps": 1e-12, "max_position_embeddings": 512,
    "model_type": "bert", "num_attention_heads": 12, "num_hidden_layers": 6,
    "pad_token_id": 0, "position_embedding_type": "absolute", "type_vocab_size": 2,
    "vocab_size": 30522, "unknown": [1]}"#;

fn changed(key: &str, value: Value) -> Result<EncoderConfig, String> {
    let mut raw: Map<String, Value> = serde_json::from_str(MINILM).expect("JSON");
    raw.insert(key.to_owned(), value);
    EncoderConfig::from_json(Value::Object(raw).to_string().as_bytes())
}

#[test]
fn reads_writes_and_reads_again() {
    let config = EncoderConfig::from_json(MINILM.as_bytes()).expect("a BERT");
    assert_eq!(
        (config.layers, config.head_size(), config.head_dropout()),
        (6, 32, 0.2)
    );
    for pooling in [Pooling::Pooler, Pooling::Cls, Pooling::Mean] {
        let head = HeadConfig {
            pooling,
            classifier_dropout: Some(0.3),
            ..Default::default()
        };
        let config = config.clone().with_head(&head).expect("valid");
        let text = config.to_json("injury");
        let value: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(value["id2label"], json!({"0": "injury"}));
        assert_eq!(value["unknown"], json!([1]));
        assert_eq!(value["model_type"] == "bert", pooling == Pooling::Pooler);
        let again = EncoderConfig::from_json(text.as_bytes()).expect("a BERT");
        assert_eq!((again.pooling, again.head_dropout()), (pooling, 0.3));
        assert_eq!(again.to_json("injury"), text);
    }
}

#[test]
fn reads_an_mpnet() {
    let config = br#"{"model_type": "mpnet", "hidden_size": 768, "intermediate_size": 3072,
        "layer_norm_eps": 1e-5, "max_position_embeddings": 514, "num_attention_heads": 12,
        "num_hidden_layers": 12, "relative_attention_num_buckets": 32, "vocab_size": 30527}"#;
    let config = EncoderConfig::from_json(config).expect("an MPNet");
    assert_eq!((config.family, config.max_positions), (Family::Mpnet, 512));
    let own = config.clone().with_head(&HeadConfig {
        pooling: Pooling::Mean,
        ..HeadConfig::default()
    });
    for (config, name) in [(config, "mpnet"), (own.expect("valid"), "nines-mpnet")] {
        let text = config.to_json("injury");
        let value: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(value["model_type"], name);
        let again = EncoderConfig::from_json(text.as_bytes()).expect("an MPNet");
        assert_eq!(again.pooling, config.pooling);
        for (key, value) in [
            ("relative_attention_num_buckets", 16),
            ("max_position_embeddings", 2),
        ] {
            let mut raw: Map<String, Value> = serde_json::from_str(&text).expect("JSON");
            raw.insert(key.to_owned(), json!(value));
            let reason = EncoderConfig::from_json(Value::Object(raw).to_string().as_bytes());
            assert!(reason.expect_err(key).contains(key));
        }
    }
}

#[test]
fn reads_a_deberta_and_says_what_of_it_cannot_be_run() {
    const V3: &str = r#"{"model_type": "deberta-v2", "attention_probs_dropout_prob": 0.1,
        "hidden_act": "gelu", "hidden_dropout_prob": 0.1, "hidden_size": 768,
        "intermediate_size": 3072, "max_position_embeddings": 512, "relative_attention": true,
        "position_buckets": 256, "norm_rel_ebd": "layer_norm", "share_att_key": true,
        "pos_att_type": "p2c|c2p", "layer_norm_eps": 1e-7, "max_relative_positions": -1,
        "position_biased_input": false, "num_attention_heads": 12, "num_hidden_layers": 12,
        "type_vocab_size": 0, "vocab_size": 128100, "pooler_dropout": 0,
        "pooler_hidden_act": "gelu", "pooler_hidden_size": 768}"#;
    let changed = |key: &str, value: Value| {
        let mut raw: Map<String, Value> = serde_json::from_str(V3).expect("JSON");
        raw.insert(key.to_owned(), value);
        EncoderConfig::from_json(Value::Object(raw).to_string().as_bytes())
    };
    let config = changed("cls_dropout", json!(0.3)).expect("a DeBERTa");
    assert_eq!((config.max_positions, config.head_dropout()), (512, 0.3));
    let disentangled = config.disentangled.clone().expect("distances are read");
    assert_eq!((disentangled.span, disentangled.farthest), (256, 512));
    let text = config.to_json("injury");
    let again = EncoderConfig::from_json(text.as_bytes()).expect("a DeBERTa");
    assert_eq!(again.disentangled, config.disentangled);
    assert_eq!((again.head_dropout(), again.to_json("injury")), (0.3, text));
    for (key, value) in [
        ("relative_attention", json!(false)),
        ("position_buckets", json!(2)),
        ("position_buckets", json!(1 << 20)),
        ("max_relative_positions", json!(1u64 << 40)),
        ("pos_att_type", json!(["p2p"])),
        ("embedding_size", json!(128)),
        ("pooler_hidden_act", json!("tanh")),
        ("pooler_dropout", json!(1.0)),
        ("conv_kernel_size", json!(4)),
        ("type_vocab_size", json!(1u64 << 40)),
        ("vocab_size", json!(0)),
    ] {
        let reason = changed(key, value).expect_err(key);
        assert!(reason.contains(key), "{reason}");
    }
}

#[test]
fn says_what_is_wrong() {
    for (key, value, word) in [
        ("model_type", json!("roberta"), "roberta"),
        ("model_type", json!(null), "model_type"),
        ("hidden_size", json!(385), "385"),
        ("hidden_size", json!(0), "hidden_size"),
        ("vocab_size", json!(1u64 << 60), "vocab_size"),
        ("vocab_size", json!(-1), "-1"),
        ("num_hidden_layers", json!(1025), "num_hidden_layers"),
        ("hidden_act", json!("relu"), "relu"),
        (
            "position_embedding_type",
            json!("relative_key"),
            "relative_key",
        ),
        ("hidden_dropout_prob", json!(1.0), "hidden_dropout_prob"),
        ("layer_norm_eps", json!(0.0), "layer_norm_eps"),
        ("is_decoder", json!(true), "decoder"),
    ] {
        let reason = changed(key, value).expect_err(key);
        assert!(reason.contains(word), "{reason}");
    }
    assert!(EncoderConfig::from_json(b"[]").is_err());
    assert!(EncoderConfig::from_json(b"\xff").is_err());
}
