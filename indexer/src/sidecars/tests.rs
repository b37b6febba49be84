use std::fs;

use glimpse_nonempty::each;
use tempfile::{TempDir, tempdir};

use super::*;

/// As a raw developer writes it: a rating of 0 as an attribute, history, keywords, a trailer.
const DEVELOPED: &str = "\u{feff}<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\r
<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">
 <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">
  <rdf:Description rdf:about=\"\"
    xmlns:xap=\"http://ns.adobe.com/xap/1.0/\" xmlns:dc='http://purl.org/dc/elements/1.1/'
    xmlns:raw=\"http://raw.example/\" xap:Rating = '0' raw:Rating=\"2\" raw:masks=\"gz&lt;&#x9;\">
   <dc:subject><rdf:Bag><rdf:li>Spain &amp; sea</rdf:li></rdf:Bag></dc:subject>
   <raw:used rdf:parseType=\"Resource\"><xap:Rating>4</xap:Rating></raw:used>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end=\"w\"?>   ";

fn rated(sidecar: &str) -> String {
    with_rating(sidecar, BEST).unwrap()
}

/// A folder with `a.jpg` and sidecars beside it.
fn folder(sidecars: &[(&str, &[u8])]) -> (TempDir, PathBuf) {
    let dir = tempdir().unwrap();
    let image = dir.path().join("a.jpg");
    fs::write(&image, "an image").unwrap();
    for (name, text) in sidecars {
        fs::write(dir.path().join(name), text).unwrap();
    }
    (dir, image)
}

#[test]
fn a_value_is_replaced_and_every_other_byte_stays() {
    assert_eq!(read_rating(DEVELOPED).unwrap(), Some(0.0));
    let set = rated(DEVELOPED);
    assert_eq!(set, DEVELOPED.replace("xap:Rating = '0'", "xap:Rating = '5'"));
    assert_eq!(read_rating(&set).unwrap(), Some(5.0));
    for (old, new) in each([("0", "5"), (" 0\n ", "5"), ("", "5"), ("none", "5")]) {
        let element = |value: &str| {
            let attribute = DEVELOPED.replace(" xap:Rating = '0'", "");
            attribute.replace("   <dc:subject>", &format!("   <xap:Rating>{value}</xap:Rating>\n   <dc:subject>"))
        };
        assert_eq!(read_rating(&element(old)).unwrap(), Some(0.0), "{old:?}");
        assert_eq!(rated(&element(old)), element(new), "{old:?}");
    }
}

#[test]
fn a_value_is_added_before_the_end_and_all_else_stays() {
    let without = DEVELOPED.replace(" xap:Rating = '0'", "");
    assert_eq!(read_rating(&without).unwrap(), None, "one of another thing is none of the image");
    let set = rated(&without);
    let added = rating_of(&set);
    assert_eq!(set.replace(&added, ""), without);
    assert_eq!(read_rating(&set).unwrap(), Some(5.0));
    let short = "<r:RDF xmlns:r='http://www.w3.org/1999/02/22-rdf-syntax-ns#'></r:RDF>";
    let set = rated(short);
    assert!(set.ends_with("/>\n</r:RDF>"), "{set}");
    assert_eq!(read_rating(&set).unwrap(), Some(5.0));
    assert_eq!(read_rating(&rated(&whole(""))).unwrap(), Some(5.0));
}

fn rating_of(text: &str) -> String {
    let added = document::rating_description(BEST);
    assert!(text.contains(&added), "{text}");
    added
}

#[test]
fn a_sidecar_is_made_where_there_is_none() {
    let (dir, image) = folder(&[("b.jpg.xmp", b"of another image")]);
    let planned = rate(&image, BEST, true).unwrap().unwrap();
    let path = dir.path().join("a.jpg.xmp");
    assert!(planned.path == path && !path.exists());
    let written = rate(&image, BEST, false).unwrap().unwrap();
    assert_eq!((&written.path, written.modified_before), (&path, 0));
    assert_eq!(written.modified, beside(&image).modified);
    assert_eq!(fs::read_to_string(&path).unwrap(), whole(&document::rating_description(BEST)));
    assert_eq!(rate(&image, 3, false).unwrap(), None, "a rating that is there stays");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3, "nothing else is left behind");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), mode(&image), "others may read it as they may read the image");
    }
}

#[test]
fn the_sidecar_that_is_there_is_taken() {
    for name in each(["a.xmp", "a.jpg.xmp", "A.XMP", "a.JPG.xmp"]) {
        let (dir, image) = folder(&[(name, DEVELOPED.as_bytes())]);
        let written = rate(&image, BEST, false).unwrap().unwrap();
        assert_eq!(written.path, dir.path().join(name));
        assert_eq!(fs::read_to_string(&written.path).unwrap(), rated(DEVELOPED));
        assert!(written.modified_before > 0);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "{name}");
    }
    let (dir, image) = folder(&[("a.jpg.xmp", whole("").as_bytes()), ("a.xmp", DEVELOPED.as_bytes())]);
    assert_eq!(rate(&image, BEST, false).unwrap().unwrap().path, dir.path().join("a.jpg.xmp"));
}

#[test]
fn a_rating_that_is_there_stays_in_whichever_sidecar_it_is() {
    for stays in each(["1", "3.0", "5", "-1"]) {
        let other = DEVELOPED.replace("xap:Rating = '0'", &format!("xap:Rating = '{stays}'"));
        for names in [["a.jpg.xmp", "a.xmp"], ["a.xmp", "a.jpg.xmp"]] {
            let (dir, image) = folder(&[(names[0], other.as_bytes()), (names[1], DEVELOPED.as_bytes())]);
            assert_eq!(rate(&image, BEST, false).unwrap(), None, "{stays}");
            assert_eq!(fs::read_to_string(dir.path().join(names[0])).unwrap(), other);
            assert_eq!(fs::read_to_string(dir.path().join(names[1])).unwrap(), DEVELOPED);
        }
    }
}

#[test]
fn what_cannot_be_changed_safely_is_named_and_left_alone() {
    let cut = &DEVELOPED.as_bytes()[..DEVELOPED.len() - 60];
    let utf16: Vec<u8> = DEVELOPED.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let empty_value = DEVELOPED.replace(" xap:Rating = '0'", "").replace("<dc:subject>", "<xap:Rating/><dc:subject>");
    let faults: [(&[u8], &str); 7] = [
        (cut, "damaged XML"),
        (b"", "no XMP"),
        (b"my notes", "no XMP"),
        (b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>", "no XMP"),
        (b"<r:RDF xmlns:r='http://www.w3.org/1999/02/22-rdf-syntax-ns#'/>", "no XMP"),
        (&utf16, "not UTF-8"),
        (empty_value.as_bytes(), "without a value"),
    ];
    for (text, reason) in each(faults) {
        let (dir, image) = folder(&[("a.jpg.xmp", text)]);
        let error = rate(&image, BEST, false).unwrap_err().to_string();
        assert!(error.contains("a.jpg.xmp") && error.contains(reason), "{error}");
        assert_eq!(fs::read(dir.path().join("a.jpg.xmp")).unwrap(), text);
    }
}

#[test]
fn a_cut_sidecar_is_never_taken_for_a_whole_one() {
    let end = DEVELOPED.find("</x:xmpmeta>").unwrap();
    for cut in each((0..end).filter(|&cut| DEVELOPED.is_char_boundary(cut))) {
        assert!(with_rating(&DEVELOPED[..cut], BEST).is_err(), "cut at {cut}");
    }
}

#[test]
fn a_sidecar_that_may_not_be_written_stays() {
    let (dir, image) = folder(&[("a.jpg.xmp", DEVELOPED.as_bytes())]);
    let path = dir.path().join("a.jpg.xmp");
    let mut rights = fs::metadata(&path).unwrap().permissions();
    rights.set_readonly(true);
    fs::set_permissions(&path, rights).unwrap();
    let error = rate(&image, BEST, false).unwrap_err().to_string();
    assert!(error.contains("a.jpg.xmp") && error.contains("may not be written"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), DEVELOPED);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    let (dir, image) = folder(&[]);
    fs::create_dir(dir.path().join("a.jpg.xmp")).unwrap();
    assert!(matches!(rate(&image, BEST, false), Err(SidecarError::Io { .. })), "a folder stands in its place");
}

#[cfg(unix)]
#[test]
fn a_folder_that_may_not_be_written_is_said() {
    use std::os::unix::fs::PermissionsExt;
    let (dir, image) = folder(&[]);
    let set = |mode| fs::set_permissions(dir.path(), PermissionsExt::from_mode(mode)).unwrap();
    set(0o500);
    if fs::write(dir.path().join("probe"), "").is_ok() {
        eprintln!("SKIPPED: this user may read every folder, and write to it");
        return set(0o700);
    }
    let error = rate(&image, BEST, false).unwrap_err();
    set(0o700);
    assert!(matches!(&error, SidecarError::Io { path, .. } if path.ends_with("a.jpg.xmp")), "{error}");
}

#[cfg(unix)]
#[test]
fn a_link_stays_one() {
    let (dir, image) = folder(&[]);
    let kept = dir.path().join("kept");
    fs::write(&kept, DEVELOPED).unwrap();
    std::os::unix::fs::symlink(&kept, dir.path().join("a.jpg.xmp")).unwrap();
    rate(&image, BEST, false).unwrap().unwrap();
    assert!(fs::symlink_metadata(dir.path().join("a.jpg.xmp")).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&kept).unwrap(), rated(DEVELOPED));
}

#[test]
fn a_sidecar_that_changed_meanwhile_is_not_replaced() {
    let (dir, image) = folder(&[("a.jpg.xmp", DEVELOPED.as_bytes())]);
    let path = dir.path().join("a.jpg.xmp");
    let read = SidecarFile::read(&path).unwrap();
    fs::write(&path, "longer, and of another program").unwrap();
    assert!(file::write(&path, "ours", Some(&read)).unwrap_err().to_string().contains("another program"));
    let new = dir.path().join("b.jpg.xmp");
    fs::write(&new, "came meanwhile").unwrap();
    assert!(file::write(&new, "ours", None).is_err());
    assert_eq!(fs::read_to_string(&new).unwrap(), "came meanwhile");
    drop(image);
}
