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
        public void ItDoesWhatIsSaid()
        {
            var gallery = GalleryMenu.MakeScene(GalleryMenu.MakeActions());
            gallery.Client.Url = Environment.GetEnvironmentVariable("GENLOCK_URL");
            gallery.Client.User = "gallery";
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
