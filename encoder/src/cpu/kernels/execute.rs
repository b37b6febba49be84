//! Entering code that is compiled for an instruction set.

#[cfg(target_arch = "x86_64")]
use super::amx::TileRegisters;
use super::int8::{Mixed, PortableInt8};
#[cfg(target_arch = "x86_64")]
use super::int8_x86::{AmxInt8, Avx512Vnni, AvxVnni};
use super::isa::Task;
#[cfg(target_arch = "x86_64")]
use super::isa_x86::{AmxBf16, AmxF32, Avx512Bf16};
use super::lanes::Portable;
#[cfg(target_arch = "x86_64")]
use super::lanes_x86::{Avx2, Avx512};
use crate::cpu::path::Path;

impl Path {
    /// Runs `task`, compiled for this path.
    ///
    /// # Panics
    /// If this machine cannot take the path: nobody may load a model with one that was refused.
    #[inline]
    pub fn execute<T: Task>(self, task: T) {
        assert!(self.refusal().is_none(), "{self} was refused on this machine");
        #[cfg(target_arch = "x86_64")]
        {
            // Each function proves its own features. AMX is none that a function can have.
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
            fn amx_bf16<T: Task>(task: T) {
                // SAFETY: AMX is detected and permitted, or `execute` would not have come here; a
                // task executes no other.
                let (registers, bf16) = unsafe { (TileRegisters::configure(), Avx512Bf16::assume(Avx512::assume())) };
                task.run(AmxBf16::new(bf16, &registers));
            }
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
            fn amx_f32<T: Task>(task: T) {
                // SAFETY: as in `amx_bf16`.
                let (registers, bf16) = unsafe { (TileRegisters::configure(), Avx512Bf16::assume(Avx512::assume())) };
                task.run(AmxF32::new(bf16, &registers));
            }
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
            fn avx512_bf16<T: Task>(task: T) {
                // SAFETY: this function has the features.
                task.run(unsafe { Avx512Bf16::assume(Avx512::assume()) });
            }
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
            fn avx512<T: Task>(task: T) {
                // SAFETY: this function has the features.
                task.run(unsafe { Avx512::assume() });
            }
            #[target_feature(enable = "avx2,fma")]
            fn avx2<T: Task>(task: T) {
                // SAFETY: this function has the features.
                task.run(unsafe { Avx2::assume() });
            }
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
            fn amx_int8<T: Task>(task: T) {
                // SAFETY: as in `amx_bf16`; AMX has int8.
                unsafe {
                    let (registers, avx512) = (TileRegisters::configure(), Avx512::assume());
                    let bf16 = AmxBf16::new(Avx512Bf16::assume(avx512), &registers);
                    task.run(Mixed(bf16, AmxInt8::assume(avx512, &registers)));
                }
            }
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx512vnni")]
            fn avx512_int8<T: Task>(task: T) {
                // SAFETY: this function has the features.
                let bf16 = unsafe { Avx512Bf16::assume(Avx512::assume()) };
                // SAFETY: this function has the features.
                let vnni = unsafe { Avx512Vnni::assume(Avx512::assume()) };
                task.run(Mixed(bf16, vnni));
            }
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
            fn avx512_int8_f32<T: Task>(task: T) {
                // SAFETY: this function has the features.
                task.run(unsafe { Mixed(Avx512::assume(), Avx512Vnni::assume(Avx512::assume())) });
            }
            #[target_feature(enable = "avx2,fma,avxvnni")]
            fn avx2_int8<T: Task>(task: T) {
                // SAFETY: this function has the features.
                task.run(unsafe { Mixed(Avx2::assume(), AvxVnni::assume(Avx2::assume())) });
            }
            // SAFETY: the features of each function were detected, or its path would have been
            // refused.
            unsafe {
                match self {
                    Self::AmxBf16 => return amx_bf16(task),
                    Self::AmxF32 => return amx_f32(task),
                    Self::Avx512Bf16 => return avx512_bf16(task),
                    Self::Avx512 => return avx512(task),
                    Self::Avx2 => return avx2(task),
                    Self::AmxInt8 => return amx_int8(task),
                    Self::Avx512Int8 => return avx512_int8(task),
                    Self::Avx512Int8F32 => return avx512_int8_f32(task),
                    Self::Avx2Int8 => return avx2_int8(task),
                    Self::Portable | Self::PortableInt8 => {}
                }
            }
        }
        match self {
            Self::PortableInt8 => task.run(Mixed(Portable, PortableInt8)),
            _ => task.run(Portable),
        }
    }
}
