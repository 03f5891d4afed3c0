using System;
using System.Linq;
using NUnit.Framework;

namespace Genlock.Tests
{
    /// <summary>Frames, gestures, sound and declarations.</summary>
    public sealed class TrackingTests
    {
        private static readonly WirePose Somewhere = new WirePose(0.1f, 1.6f, -0.2f, 0f, 0f, 0f, 1f);

        [Test]
        public void WhatNoDaemonWouldTakeIsLeftOut()
        {
            var frame = new TrackingFrame();
            frame.SetPose(Parts.Head, Somewhere);
            frame.SetPose(Parts.Gaze, new WirePose(0f, 0f, 0f, 0f, 0f, 0f, 0f));
            frame.SetPose(Parts.LeftAim, new WirePose(float.NaN, 0f, 0f, 0f, 0f, 0f, 1f));
            frame.SetPose(Parts.RightAim, new WirePose(0f, 10001f, 0f, 0f, 0f, 0f, 1f));
            frame.SetPose(Parts.LeftGrip, new WirePose(0f, 0f, float.PositiveInfinity, 0f, 0f, 0f, 1f));
            Assert.AreEqual(Parts.Head, frame.Mask);
            frame.SetPose(Parts.Head, new WirePose(0f, 0f, 0f, 0f, 0f, float.NaN, 1f));
            Assert.AreEqual(Parts.None, frame.Mask);
        }

        [Test]
        public void AHandIsWholeOrNotThere()
        {
            var frame = new TrackingFrame();
            var joints = Enumerable.Repeat(Somewhere, 26).ToArray();
            frame.SetHand(Parts.LeftHand, joints);
            Assert.AreEqual(Parts.LeftHand, frame.Mask);
            joints[13] = default(WirePose);
            frame.SetHand(Parts.LeftHand, joints);
            Assert.AreEqual(Parts.None, frame.Mask);
            Assert.Throws<ArgumentException>(() => frame.SetHand(Parts.Head, joints));
            Assert.Throws<ArgumentException>(() => frame.SetHand(Parts.LeftHand, new WirePose[25]));
            Assert.Throws<ArgumentException>(() => frame.SetPose(Parts.LeftButtons, Somewhere));
            Assert.Throws<ArgumentException>(() => frame.SetPose(Parts.Head | Parts.Gaze, Somewhere));
        }

        [Test]
        public void ButtonsStayInTheirLimits()
        {
            var frame = new TrackingFrame();
            frame.SetButtons(
                Parts.LeftButtons, new Buttons { Trigger = 1.5f, Squeeze = float.NaN, ThumbstickX = -2f, ThumbstickY = 0.25f });
            float[] packed;
            Assert.AreEqual(8, frame.Pack(out packed));
            CollectionAssert.AreEqual(new[] { 1f, 0f, -1f, 0.25f, 0f, 0f, 0f, 0f }, packed.Take(8));
        }

        [Test]
        public void AGestureIsRecordedFromItsBeginningOn()
        {
            var recorder = new GestureRecorder();
            recorder.Add(5000000, Somewhere);
            recorder.Add(5250000, Somewhere);
            Assert.AreEqual(2, recorder.Moments);
            var bytes = recorder.Finish();
            Assert.AreEqual(2 * 8 * 4, bytes.Length);
            Assert.AreEqual(0f, BitConverter.ToSingle(bytes, 0));
            Assert.AreEqual(0.25f, BitConverter.ToSingle(bytes, 32));
            Assert.AreEqual(1.6f, BitConverter.ToSingle(bytes, 40));
            Assert.AreEqual(0, recorder.Moments);
        }

        [TestCase(48000, 1)]
        [TestCase(44100, 2)]
        [TestCase(16000, 1)]
        [TestCase(8000, 1)]
        public void SoundKeepsItsLengthAndPitch(int hz, int channels)
        {
            var resampler = new Resampler(hz, channels);
            var samples = new float[hz / 10 * channels];
            var pcm = new byte[2 * 16000 + 100];
            var count = 0;
            for (var block = 0; block < 10; block++)
            {
                for (var i = 0; i < samples.Length; i++)
                {
                    var time = (block * (hz / 10) + i / channels) / (double)hz;
                    samples[i] = 0.5f * (float)Math.Sin(2.0 * Math.PI * 440.0 * time);
                }
                count += resampler.Turn(samples, samples.Length, pcm, count);
                Assert.LessOrEqual(count / (block + 1), resampler.MostBytes(samples.Length));
            }
            Assert.AreEqual(2 * 16000 - resampler.Delay * 32 / 1000, count, 4);
            var crossings = 0;
            var loudest = 0;
            for (var i = 2; i < count; i += 2)
            {
                var before = BitConverter.ToInt16(pcm, i - 2);
                var now = BitConverter.ToInt16(pcm, i);
                crossings += before < 0 && now >= 0 ? 1 : 0;
                loudest = Math.Max(loudest, Math.Abs((int)now));
            }
            Assert.AreEqual(440, crossings, 2);
            Assert.AreEqual(0.5 * 32767, loudest, 500);
        }

        [TestCase(48000, 300.0, 1.0, 0.01)]
        [TestCase(48000, 3000.0, 1.0, 0.01)]
        [TestCase(44100, 6000.0, 1.0, 0.005)]
        [TestCase(48000, 7200.0, 1.0, 0.01)]
        [TestCase(44100, 7200.0, 1.0, 0.01)]
        [TestCase(22050, 7200.0, 1.0, 0.01)]
        [TestCase(48000, 8500.0, 0.0, 0.003)]
        [TestCase(44100, 11000.0, 0.0, 0.003)]
        [TestCase(96000, 20000.0, 0.0, 0.003)]
        public void WhatSixteenKilohertzCannotHoldIsKeptOut(int hz, double pitch, double passes, double within)
        {
            var samples = new float[hz];
            for (var i = 0; i < hz; i++)
            {
                samples[i] = (float)(0.5 * Math.Sqrt(2.0) * Math.Sin(2.0 * Math.PI * pitch * i / hz));
            }
            var resampler = new Resampler(hz, 1);
            var pcm = new byte[resampler.MostBytes(hz)];
            var count = resampler.Turn(samples, hz, pcm, 0);
            var sum = 0.0;
            // The first milliseconds are of a tone that begins suddenly, which is every pitch at once.
            for (var i = 400; i < count; i += 2)
            {
                var sample = BitConverter.ToInt16(pcm, i) / 32767.0;
                sum += sample * sample;
            }
            Assert.AreEqual(passes, Math.Sqrt(sum / ((count - 400) / 2)) / 0.5, within);
        }

        [Test]
        public void TheGateOpensForSpeechAndClosesAfterQuiet()
        {
            var gate = new SpeechGate(0.01f, 300);
            var quiet = Tone(0.0005f);
            var loud = Tone(0.2f);
            for (var i = 0; i < 20; i++)
            {
                Assert.AreEqual(Speech.Silent, gate.Take(quiet, 0, quiet.Length));
            }
            Assert.AreEqual(Speech.Speaking, gate.Take(loud, 0, loud.Length));
            Assert.AreEqual(Speech.Speaking, gate.Take(quiet, 0, quiet.Length));
            Assert.AreEqual(Speech.Speaking, gate.Take(loud, 0, loud.Length));
            Assert.AreEqual(Speech.Speaking, gate.Take(quiet, 0, quiet.Length));
            Assert.AreEqual(Speech.Speaking, gate.Take(quiet, 0, quiet.Length));
            Assert.AreEqual(Speech.Ended, gate.Take(quiet, 0, quiet.Length));
            Assert.AreEqual(Speech.Silent, gate.Take(quiet, 0, quiet.Length));
        }

        [Test]
        public void SteadyNoiseIsNoSpeech()
        {
            var gate = new SpeechGate(0.01f, 300);
            var noise = Tone(0.03f);
            var last = Speech.Silent;
            for (var i = 0; i < 200; i++)
            {
                last = gate.Take(noise, 0, noise.Length);
            }
            Assert.AreEqual(Speech.Silent, last);
            Assert.AreEqual(Speech.Speaking, gate.Take(Tone(0.3f), 0, 3200));
        }

        [Test]
        public void MistakesInAnAppAreFoundBeforeItIsSent()
        {
            var app = new AppInfo { Name = "test" };
            app.Actions.Add(Action("a", "pick {target}"));
            app.Actions.Add(Action("a", "paint it {colour}", "un{closed", "?!"));
            app.Actions.Add(new ActionInfo { Name = "c", Gestures = new[] { "nod" } });
            app.Actions.Add(new ActionInfo { Name = "d", Gestures = new[] { "nod" } });
            app.Actions.Add(new ActionInfo { Name = "e" });
            app.Actions.Add(new ActionInfo { Name = "f", Sees = new[] { "cup", "Cup" } });
            app.Objects.Add(new ObjectInfo { Name = "badge", Examples = new[] { new byte[] { 1 } } });
            app.Objects.Add(new ObjectInfo { Name = "Badge" });
            app.Objects.Add(new ObjectInfo { Examples = new[] { new byte[70000] } });
            var mistakes = string.Join("\n", AppCheck.Mistakes(app).ToArray());
            foreach (var words in new[]
            {
                "names a target", "\"a\" is there twice", "{colour}", "brace", "words", "nod", "\"e\" needs", "\"Cup\" means",
                "\"Badge\" is there twice", "\"Badge\" needs 1 to 16", "An object has no name",
                "pictures have 70001 bytes",
            })
            {
                StringAssert.Contains(words, mistakes);
            }
            Assert.AreEqual(12, AppCheck.Mistakes(app).Count);
        }

        private static ActionInfo Action(string name, params string[] phrases)
        {
            return new ActionInfo { Name = name, Phrases = phrases };
        }

        private static byte[] Tone(float loudness)
        {
            var pcm = new byte[3200];
            for (var i = 0; i < 1600; i++)
            {
                var sample = (short)(32767 * loudness * Math.Sin(i * 0.2) * Math.Sqrt(2.0));
                pcm[2 * i] = (byte)sample;
                pcm[2 * i + 1] = (byte)(sample >> 8);
            }
            return pcm;
        }
    }
}
