//! Animations and videos: hits at their moments, frames, thumbnails and bytes.

use std::fs::File;

use actix_web::test::TestRequest;
use glimpse_nonempty::{Every as _, each};
use image::codecs::gif::GifEncoder;
use image::{Delay, Frame, Rgba, RgbaImage};
use serde_json::json;

use super::*;

const COLOURS: [[u8; 3]; 3] = [[250, 250, 250], [200, 10, 10], [10, 10, 200]];

/// A GIF that shows white, red and blue for three seconds each, among images that do not move.
fn moving() -> (TempDir, web::Data<AppState>) {
    let home = tempfile::tempdir().unwrap();
    let images = home.path().join("images");
    for n in 0..6u8 {
        draw(&images.join(format!("still {n}.png")), [10, 90 + n * 20, 10]);
    }
    let mut encoder = GifEncoder::new(File::create(images.join("moving.gif")).unwrap());
    for [r, g, b] in COLOURS {
        let image = RgbaImage::from_pixel(96, 64, Rgba([r, g, b, 255]));
        encoder.encode_frame(Frame::from_parts(image, 0, 0, Delay::from_numer_denom_ms(3000, 1))).unwrap();
    }
    drop(encoder);
    let engine = engine(home.path());
    index(&engine, &images);
    (home, state_of(&engine, Limits::default()))
}

async fn the_gif(state: &web::Data<AppState>) -> Value {
    let hits = get(state, "/api/v1/search?q=moving&mode=words&limit=1").await.good();
    hits["hits"][0].clone()
}

#[actix_web::test]
async fn an_animation_is_found_at_its_moment_and_named_once() {
    let (_home, state) = moving();
    let gif = the_gif(&state).await;
    assert_eq!((gif["kind"].as_str(), gif["duration"].as_f64()), (Some("animation"), Some(9.0)));
    let shots = get(&state, &format!("/api/v1/images/{}/frames", gif["id"])).await.good();
    assert_eq!((&shots["image"], shots["duration"].as_f64()), (&gif["id"], Some(9.0)));
    let starts: Vec<_> = shots["frames"].as_array().unwrap().iter().map(|frame| frame["start"].as_f64()).collect();
    assert_eq!(starts, [Some(0.0), Some(3.0), Some(6.0)]);
    let third = &shots["frames"][2];
    // An image in the colour of one frame finds that frame.
    let mut png = std::io::Cursor::new(Vec::new());
    RgbImage::from_pixel(96, 64, Rgb(COLOURS[2])).write_to(&mut png, image::ImageFormat::Png).unwrap();
    let uploaded = ask(
        &state,
        TestRequest::post()
            .uri("/api/v1/uploads")
            .insert_header(("Content-Type", "image/png"))
            .set_payload(png.into_inner()),
    )
    .await
    .good();
    let query = json!({"terms": [{"upload": uploaded["key"]}], "depth": "all"});
    let found = post(&state, "/api/v1/search", query).await.good();
    let hits = found["hits"].as_array().unwrap();
    assert_eq!((hits.len(), found["searched"].as_u64()), (7, Some(7)), "a video is one image");
    let hit = hits.iter().find(|hit| hit["id"] == gif["id"]).unwrap();
    assert_eq!((&hit["frame"], &hit["frame_content"]), (&third["id"], &third["content"]));
    assert_eq!([&hit["start"], &hit["end"], &hit["duration"]].map(Value::as_f64), [Some(6.0), Some(9.0), Some(9.0)]);
    assert_eq!(hit["kind"], "animation");
    let still = hits.iter().find(|hit| hit["id"] != gif["id"]).unwrap();
    assert_eq!((&still["frame"], &still["start"], &still["kind"]), (&Value::Null, &Value::Null, &json!("image")));
    // Like a frame of it is not the animation itself.
    let like = get(&state, &format!("/api/v1/images/{}/similar?all=true", third["id"])).await.good();
    assert!(like["hits"].as_array().unwrap().iter().every(|hit| hit["id"] != gif["id"]));
    let tiles = post(&state, "/api/v1/timeline/tiles", json!({})).await.good();
    assert_eq!(tiles["count"], 7);
    assert_eq!(tiles["moving"], json!([{"id": gif["id"], "kind": "animation", "duration": 9.0}]));
    assert_eq!(get(&state, "/api/v1/stats").await.good()["frames"], 2);
}

#[actix_web::test]
async fn a_frame_is_looked_at_by_its_number_and_kept_as_its_video() {
    let (_home, state) = moving();
    let gif = the_gif(&state).await;
    let shots = get(&state, &format!("/api/v1/images/{}/frames", gif["id"])).await.good();
    for (shot, colour) in each(shots["frames"].as_array().unwrap().iter().zip(COLOURS)) {
        let path = format!("/api/v1/images/{}/thumbnail?v={}", shot["id"], shot["content"].as_str().unwrap());
        let thumbnail = get(&state, &path).await;
        assert!(thumbnail.header("cache-control").contains("immutable"));
        let pixels = image::load_from_memory(&thumbnail.body).unwrap().into_rgb8();
        assert!(pixels.get_pixel(9, 9).0.iter().zip(colour).every(|(a, b)| a.abs_diff(b) < 12), "{shot}");
    }
    let frame = &shots["frames"][1]["id"];
    let record = get(&state, &format!("/api/v1/images/{frame}")).await.good();
    assert_eq!((&record["video"], &record["path"]), (&gif["id"], &gif["path"]));
    assert_eq!((record["start"].as_f64(), record["id"] == *frame), (Some(3.0), true));
    let table = post(&state, "/api/v1/export", json!({"images": [gif["id"]], "format": "csv"})).await;
    let table = String::from_utf8(table.body.to_vec()).unwrap();
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].ends_with(",kind,duration,start,end") && lines[1].ends_with(",animation,9,0,3"), "{table}");
    // What is done with a frame is done with its video.
    post(&state, "/api/v1/favourites", json!({"add": [frame]})).await.good();
    assert_eq!(the_gif(&state).await["favourite"], true);
    let original = get(&state, &format!("/api/v1/images/{frame}/original")).await;
    assert_eq!(original.body, std::fs::read(gif["path"].as_str().unwrap()).unwrap());
    get(&state, "/api/v1/images/999/frames").await.error(404, "not_found");
}

#[actix_web::test]
async fn a_video_is_sent_in_parts_and_drawn() {
    let home = tempfile::tempdir().unwrap();
    let images = home.path().join("images");
    draw(&images.join("still.png"), [9, 9, 200]);
    let graph = "color=red:s=64x48:r=10:d=4[a];color=blue:s=64x48:r=10:d=4[b];[a][b]concat=n=2,format=yuv420p";
    let path = images.join("clip.mp4");
    let mut ffmpeg = std::process::Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-nostdin", "-filter_complex", graph, "-c:v", "mpeg4", "-g", "10"]);
    match ffmpeg.arg(&path).status() {
        Ok(made) => assert!(made.success()),
        Err(_) => return eprintln!("SKIPPED: ffmpeg is not on this machine"),
    }
    let engine = engine(home.path());
    index(&engine, &images);
    let state = state_of(&engine, Limits::default());
    assert_eq!(get(&state, "/api/v1/health").await.good()["video"], true);
    let clip = get(&state, "/api/v1/search?q=clip&mode=words&limit=1").await.good()["hits"][0].clone();
    assert_eq!((clip["kind"].as_str(), clip["format"].as_str()), (Some("video"), Some("mp4")));
    assert!((clip["duration"].as_f64().unwrap() - 8.0).abs() < 0.2);
    let address = format!("/api/v1/images/{}", clip["id"]);
    let bytes = std::fs::read(&path).unwrap();
    let part =
        ask(&state, TestRequest::get().uri(&format!("{address}/original")).insert_header(("Range", "bytes=4-7")));
    let part = part.await;
    assert_eq!(
        (part.status.as_u16(), part.body.as_ref(), part.header("content-type")),
        (206, &bytes[4..8], "video/mp4")
    );
    assert_eq!(part.header("content-encoding"), "");
    assert!(part.header("content-security-policy").contains("media-src 'self'"));
    let shots = get(&state, &format!("{address}/frames")).await.good();
    let blue = &shots["frames"][1];
    assert!((blue["start"].as_f64().unwrap() - 4.0).abs() < 0.2, "{shots}");
    for size in [160, 640] {
        let thumbnail = get(&state, &format!("/api/v1/images/{}/thumbnail?size={size}", blue["id"])).await;
        let pixels = image::load_from_memory(&thumbnail.body).unwrap().into_rgb8();
        assert!(pixels.get_pixel(20, 20).0[2] > 200 && pixels.get_pixel(20, 20).0[0] < 60, "{size}");
    }
    // Only what was indexed is sent.
    std::fs::write(&path, b"\0\0\0\x18ftypisom another").unwrap();
    let gone = get(&state, &format!("{address}/original")).await;
    assert!(gone.status.is_client_error(), "{}", gone.status);
    assert!(get(&state, &format!("/api/v1/images/{}/heatmap?text=red", blue["id"])).await.status.is_client_error());
}
