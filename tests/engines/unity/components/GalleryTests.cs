using System;
using System.Linq;
using System.Threading;
using Genlock.Gallery;
using NUnit.Framework;
using UnityEngine;

namespace Genlock.Tests
{
    /// <summary>The sample: its menu builds a scene that does what is said to it.</summary>
    public sealed class GalleryTests
    {
        [TearDown]
        public void Clear()
        {
            Engine.Clear();
        }

        [Test]
        public void TheMenuMakesASceneAndActionsThatADaemonTakes()
        {
            GalleryMenu.Build();
            Assert.IsTrue(Engine.Log.Contains("scene Assets/Genlock Gallery/Gallery.unity"));
            Assert.IsTrue(Engine.Log.Contains("asset Assets/Genlock Gallery/Gallery Actions.asset"));
            Assert.IsEmpty(AppCheck.Mistakes(GalleryMenu.MakeActions().ToApp("1")));
        }

        [Test]
        public void TheMenuDoesNothingWhereTheUserKeepsWhatIsOpen()
        {
            Engine.UserCancels = true;
            GalleryMenu.Build();
            Assert.IsEmpty(Engine.Log);
            Assert.IsEmpty(Engine.Components);
        }

        [TestCase(1.7f, 1.7f)]
        [TestCase(0.1f, 1.7f)]
        public void TheCameraFollowsAHeadset(float told, float height)
        {
            var head = GalleryMenu.MakeScene(GalleryMenu.MakeActions()).Client.Head;
            Engine.Tick(1.5);
            Assert.AreEqual(1.6f, head.position.y, 1e-5, "there is none");
            Engine.Features["Head"] = true;
            Engine.Features["Head/DevicePosition"] = new Vector3(0.1f, told, 0f);
            Engine.Features["Head/DeviceRotation"] = Quaternion.Euler(0f, 90f, 0f);
            Engine.Tick(1.5);
            Assert.AreEqual(height, head.position.y, 1e-5);
            Assert.AreEqual(1f, head.forward.x, 1e-5);
        }

        [Test]
        public void ItDoesWhatIsSaid()
        {
            var gallery = GalleryMenu.MakeScene(GalleryMenu.MakeActions());
            gallery.Client.Url = Environment.GetEnvironmentVariable("GENLOCK_URL");
            gallery.Client.User = "gallery";
            gallery.Client.TargetThreshold = 0f;
            gallery.Client.Connect();
            Until(() => gallery.Client.CurrentTarget != null);
            var kettle = gallery.Things.Single(thing => thing.Id == "kettle");
            var shelf = kettle.transform.parent;
            Said(gallery, "pick up the kettle", "take kettle");
            Assert.AreSame(gallery.Client.Head, kettle.transform.parent);
            Said(gallery, "drop it", "put_down ");
            Assert.AreSame(shelf, kettle.transform.parent);
            Said(gallery, "paint the red mug blue", "paint red_mug");
            Said(gallery, "hide the box", "hide box");
            Assert.IsFalse(gallery.Things.Single(thing => thing.Id == "box").gameObject.activeSelf);
            Said(gallery, "show everything again", "show_all ");
            Assert.IsTrue(gallery.Things.Single(thing => thing.Id == "box").gameObject.activeSelf);
        }

        private static void Said(Gallery.Gallery gallery, string line, string answer)
        {
            gallery.Say(line);
            Until(() => gallery.AnswerText == answer);
        }

        private static void Until(Func<bool> holds)
        {
            var limit = DateTime.UtcNow.AddMinutes(3);
            while (!holds())
            {
                Assert.Less(DateTime.UtcNow, limit, "it never came: " + string.Join("; ", Engine.Log.ToArray()));
                Engine.Tick(0.011);
                Thread.Sleep(5);
            }
        }
    }
}
