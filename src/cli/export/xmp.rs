//! XMP sidecars with image regions as the Metadata Working Group has them (guidelines 2.0, section 5.9): photo managers show
//! them as named areas. Areas are centred, in shares of the upright picture.

use std::fmt::Write;
use std::fs;

use super::{Annotated, Names, escape};
use crate::cli::outcome::CliError;

const HEAD: &str = "<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>
<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">
 <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">
  <rdf:Description rdf:about=\"\"
    xmlns:mwg-rs=\"http://www.metadataworkinggroup.com/schemas/regions/\"
    xmlns:stDim=\"http://ns.adobe.com/xap/1.0/sType/Dimensions#\"
    xmlns:stArea=\"http://ns.adobe.com/xmp/sType/Area#\">
   <mwg-rs:Regions rdf:parseType=\"Resource\">
";
const TAIL: &str = "     </rdf:Bag>
    </mwg-rs:RegionList>
   </mwg-rs:Regions>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end=\"w\"?>
";

pub fn write(picture: &Annotated, names: &mut Names) -> Result<usize, CliError> {
    let path = names.path(&picture.path, ".xmp");
    fs::write(&path, text(picture)).map_err(|error| CliError::new(format!("{}: {error}", path.display())))?;
    Ok(1)
}

pub fn text(picture: &Annotated) -> String {
    let mut xmp = HEAD.to_owned();
    let (width, height) = (picture.width, picture.height);
    let _ = writeln!(
        xmp,
        "    <mwg-rs:AppliedToDimensions stDim:w=\"{width}\" stDim:h=\"{height}\" stDim:unit=\"pixel\"/>\n    \
         <mwg-rs:RegionList>\n     <rdf:Bag>"
    );
    for found in &picture.boxes {
        let (x, y) = found.rect.centre();
        let (w, h) = (found.rect.right - found.rect.left, found.rect.bottom - found.rect.top);
        let _ = writeln!(
            xmp,
            "      <rdf:li rdf:parseType=\"Resource\">\n       <mwg-rs:Name>{}</mwg-rs:Name>\n       \
             <mwg-rs:Description>found with a probability of {:.2}</mwg-rs:Description>\n       \
             <mwg-rs:Area stArea:x=\"{x}\" stArea:y=\"{y}\" stArea:w=\"{w}\" stArea:h=\"{h}\" \
             stArea:unit=\"normalized\"/>\n      </rdf:li>",
            escape(&found.label),
            found.score,
        );
    }
    xmp.push_str(TAIL);
    xmp
}
